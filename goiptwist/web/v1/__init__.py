"""
C{/api/v1}: C{operations} lists what there is, C{requests} and C{responses} say what
goes in and comes out, C{openapi} tells the world.
"""
