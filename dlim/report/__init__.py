"""What a person looks at: contact sheets of masters, variations and builds."""
