"""
C{/api/v1}: C{operations} lists what there is, C{wanted} and C{shown} say what
goes in and comes out, C{openapi} tells the world.
"""
