"""What people write to the gateway by chat, what becomes of it, and how SMS are written to them."""
