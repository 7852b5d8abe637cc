// Keys reach the dashboard at once, without a click first.
new MutationObserver((changes, observer) => {
  const keys = document.querySelector(".xterm-helper-textarea");
  if (keys) {
    keys.focus();
    observer.disconnect();
  }
}).observe(document, { childList: true, subtree: true });
