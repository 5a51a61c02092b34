"""What the installation and the lab own: trained models."""
