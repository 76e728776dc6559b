"""The Kafka host: the event log on a cluster, its topics, and how to reach it securely."""
