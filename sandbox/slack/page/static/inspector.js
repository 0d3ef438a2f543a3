// The inspector's script: sends a request to the app again, as Slack does, and shows what came of it.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-again]");
  if (!button) return;
  button.disabled = true;
  await fetch("/_sandbox/redeliver", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ at: Number(button.dataset.again) }),
  });
  location.reload();
});
