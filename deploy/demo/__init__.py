"""Three demo projects on real images, with the licence notices beside them."""
