"""What customers can be shown of a flow, for whoever writes it: played with the real engine, drawn as channels draw.

``scenes`` plays a flow in one language, ``looks`` draws a message of it. Nothing here keeps anything.
"""
