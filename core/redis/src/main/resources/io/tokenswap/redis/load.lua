return {text, now, call}
