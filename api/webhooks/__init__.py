"""Providers' callbacks: read only when their signature is right, and handed on as events and commands."""
