print("heirloom")
