// Renews the list of messages; forms are outside of it, so nobody's typing is lost.
const every = 2000;

async function renew() {
  try {
    if (!document.hidden) {
      const answer = await fetch(location.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = document.getElementById("list"), next = page.getElementById("list");
      if (answer.ok && next && now.innerHTML !== next.innerHTML) {
        now.replaceWith(next);
        document.title = page.title;
      }
    }
  } catch {
    // the sandbox is stopped; it may come back
  }
  setTimeout(renew, every);
}

if (!document.documentElement.hasAttribute("data-still")) setTimeout(renew, every);
