"""Writers: from a question's parts and the passages found for them to the sentences of a draft."""
