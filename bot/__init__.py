"""Fediwarden: sees every image, knows who uploaded it, and acts through the platform's own API."""
