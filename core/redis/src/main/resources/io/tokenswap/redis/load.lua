return {text, now}
