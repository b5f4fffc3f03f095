"""Numbers, texts and the people behind them, as the telephone network has them."""
