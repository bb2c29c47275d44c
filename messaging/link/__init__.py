"""The link to the broker: one small port, a real client (`mqtt`), one in process (`memory`), and the back-off.

Errors::

    LinkError               the link cannot do what was asked
    ├── LinkDown            not connected, so a message that must not wait was not sent
    └── LinkRefused         the broker refuses this client (certificate, ACL); `code` is MQTT's reason
"""
