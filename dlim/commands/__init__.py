"""What a person asks for that changes no file of a build: commands of doit's, which load no task."""
