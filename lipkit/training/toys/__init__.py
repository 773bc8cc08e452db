"""Talking cartoons, drawn and spoken by programs, with everything about them known exactly.

Whatever is true of a face and its voice is an array: lips, pose, lids, gaze, landmarks, masks,
phones. Every picture and every sound follows from a seed, so nothing is stored.
"""
