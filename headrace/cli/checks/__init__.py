"""What `headrace doctor` looks at: one file for each part of the installation."""
