"""placeholder for import; the views helper writes this first"""
