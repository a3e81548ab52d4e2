"""How sound gets in and out: SIP, the loopback of simulations, later WebSocket and WebRTC."""
