"""How messages arrive and replies leave: mail, and later chat, voice and CRM."""
