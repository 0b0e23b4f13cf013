"""The door for existing clients: the desk and the engines in the shapes that OpenAI's clients speak."""
