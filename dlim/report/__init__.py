"""What a person looks at: sheets of masters, variations and builds, and the page that tells of the whole workspace."""
