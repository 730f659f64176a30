"""What a dataset is looked at for, by what is looked at: its files, its images, its labels, its boxes."""
