"""A talk, without product: it knows neither rows nor our HTTP API."""
