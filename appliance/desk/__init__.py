"""What happens to one case: read, judge, search, write, check, decide. Pure: values in, an outcome out, no effect anywhere."""
