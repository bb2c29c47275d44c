"""The link over MQTT 5 with mutual TLS: the only place that knows paho.

A new paho client is made for each connection, so nothing queues in memory behind our backs: a publish either reaches
the broker or fails, and whoever must not lose a message keeps it in an outbox. paho's network thread only enqueues
into the loop.

Source: MQTT 5.0 (OASIS); paho-mqtt 2.2.
"""

from messaging.link.mqtt.knocking import knock
from messaging.link.mqtt.link import PAUSE_S, MqttLink
from messaging.link.mqtt.settings import CONNECT_S, MqttSettings

__all__ = ["CONNECT_S", "PAUSE_S", "MqttLink", "MqttSettings", "knock"]
