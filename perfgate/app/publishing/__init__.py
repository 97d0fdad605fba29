"""Publishing what was decided: comment, check run, summary; also of another run, judged anew."""
