"""What the tests are made with, by what it stands for; the first lines of each module show how it is used.

A whole region with its stations, as real processes: `house`. A region in memory: `region.app`. A station's agent in
memory: `station.agent`; its call service: `station.call`. To wait for anything: `eventually`.
"""
