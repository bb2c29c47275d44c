"""How the station is: one small file a probe. A probe answers None where the machine cannot tell.

Nothing here raises for a machine that lacks something, and nothing here reads what could hold a name: every value that
leaves is a number, one of a fixed set of words, or a version held to digits.
"""
