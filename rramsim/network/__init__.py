"""What does a binarized network compute, how is it trained and scored?"""
