"""A gateway described in one YAML file: read it, check it whole, bring the database to it (`file.apply`)."""
