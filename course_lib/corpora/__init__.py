"""The texts of the course: generated or packaged, nothing is downloaded."""
