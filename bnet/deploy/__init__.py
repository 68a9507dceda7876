"""What a trained network is used for: classify files and folders, export, shipped networks, the Listen page."""
