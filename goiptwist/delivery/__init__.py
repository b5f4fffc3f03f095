"""What waits for a destination: queues, retries, order, and escalation."""
