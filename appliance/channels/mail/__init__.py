"""Mail: taken in by IMAP or from a folder, parsed, composed, and delivered by SMTP or into a folder."""
