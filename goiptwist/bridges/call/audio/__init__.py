"""Sound on the network: G.711, RTP, tones made and tones recognized."""
