"""What a trained model gives to readers: suggestions and answers to prompts, and what became of them."""
