"""The engine's hosts: log adapters, Faust agents, the partition actor, dispatcher and providers."""
