"""The CRM: how it is told of a case, by a signed webhook; and a stub of one, with faults, to try that out."""
