"""From MQTT messages to committed facts, exactly once."""
