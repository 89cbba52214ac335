"""What a person sees: datasets in, matplotlib figures out."""
