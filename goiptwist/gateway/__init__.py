"""
Builds the parts of a gateway and introduces them; the one room that knows the limbs.
"""
