"""What a comparison of frameworks is told as: values in, text out."""
