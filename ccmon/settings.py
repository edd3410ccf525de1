"""What the user may choose: defaults < config.toml < CCMON_* environment < flags."""
