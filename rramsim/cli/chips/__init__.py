"""What is a chip programmed with, and how accurate is a network on chips?"""
