// What makes the pages pleasant; each of them is complete without it.
"use strict";

(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };

  // Times: in the viewer's zone, exact UTC on hover, "ago" kept current.
  const local = new Intl.DateTimeFormat(undefined, {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  });
  const duration = (seconds) => {
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
    return `${Math.floor(seconds / 86400)} d`;
  };
  const ago = (seconds) => {
    if (seconds < -60) return `in ${duration(-seconds)}`;
    return seconds < 60 ? "just now" : `${duration(seconds)} ago`;
  };
  const tellTimes = (root = document) => {
    for (const time of $$("time[datetime]", root)) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.textContent = "local" in time.dataset ? local.format(at) : ago((Date.now() - at) / 1000);
    }
  };

  // The search box: suggestions in a list that the keyboard reaches.
  const suggestions = (input) => {
    const list = make("ul", { id: "suggestions", class: "suggestions", role: "listbox", "aria-label": "Suggestions", hidden: "" });
    input.form.append(list);
    for (const [name, value] of Object.entries({ role: "combobox", "aria-controls": list.id, "aria-expanded": "false", "aria-autocomplete": "list" })) input.setAttribute(name, value);
    let found = [], chosen = -1, timer = 0, request = null;

    const close = () => {
      clearTimeout(timer);
      request?.abort();
      list.hidden = true;
      chosen = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const choose = (index) => {
      chosen = (index + found.length + 1) % (found.length + 1);
      if (chosen === found.length) chosen = -1;
      list.childNodes.forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
      if (chosen >= 0) {
        input.setAttribute("aria-activedescendant", `suggestion-${chosen}`);
        list.childNodes[chosen].scrollIntoView({ block: "nearest" });
      } else input.removeAttribute("aria-activedescendant");
    };
    const take = (index) => {
      const rest = input.value.slice(input.selectionStart ?? input.value.length).trimStart();
      input.value = found[index].text + rest;
      input.setSelectionRange(found[index].text.length, found[index].text.length);
      input.focus();
      if (found[index].hint === "case") input.form.requestSubmit();
      else ask();
    };
    // An answer that comes while someone walks through the list keeps the line they are on, if it is still among them.
    const show = (answer) => {
      const kept = found[chosen]?.text;
      found = answer;
      list.replaceChildren(...found.map((item, at) => {
        const line = make("li", { id: `suggestion-${at}`, role: "option", "aria-selected": "false" },
          make("span", { dir: "auto" }, item.label), make("span", { class: "sub" }, item.hint));
        line.addEventListener("mousedown", (event) => { event.preventDefault(); take(at); });
        return line;
      }));
      list.hidden = found.length === 0;
      input.setAttribute("aria-expanded", String(found.length > 0));
      choose(kept === undefined ? -1 : found.findIndex((item) => item.text === kept));
    };
    const ask = () => {
      clearTimeout(timer);
      timer = setTimeout(async () => {
        request?.abort();
        request = new AbortController();
        const text = input.value.slice(0, input.selectionStart ?? input.value.length);
        try {
          const answer = await fetch(`/suggest?q=${encodeURIComponent(text)}`, { signal: request.signal });
          if (!answer.ok || document.activeElement !== input) return;
          show(await answer.json());
        } catch (error) {
          if (error.name !== "AbortError") close();
        }
      }, 120);
    };
    input.addEventListener("input", ask);
    input.addEventListener("focus", () => { if (!input.value) ask(); });
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !list.hidden) { event.preventDefault(); close(); }
      else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) ask();
        else choose(event.key === "ArrowDown" ? chosen + 1 : chosen < 0 ? found.length - 1 : chosen - 1);
      } else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) { event.preventDefault(); take(chosen); }
    });
    input.form.addEventListener("submit", close);
  };

  // The keyboard: "/" searches, j and k walk the rows, Enter opens one.
  const rows = () => $$("main tr[data-number] .c-number a.number");
  const walk = (step) => {
    const links = rows();
    const at = links.indexOf(document.activeElement);
    const next = links[at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + step))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    if (event.key === "/") { event.preventDefault(); $("#q")?.select(); $("#q")?.focus(); }
    else if (event.key === "j") walk(1);
    else if (event.key === "k") walk(-1);
  });

  // News: what changed since the page was made, shown when the reader asks for it.
  const changed = new Set();
  let everything = false, said = "", quiet = 0;
  const news = make("div", { class: "news", hidden: "" });
  const words = make("span", { role: "status" });
  const button = make("button", { type: "button" }, "Show");
  news.append(words, button);
  const tell = () => {
    const count = changed.size, waiting = everything || count > 0;
    news.hidden = !waiting && !said;
    button.hidden = !waiting;
    words.textContent = !waiting ? said : everything ? "Much has changed" : count === 1 ? "1 change" : `${count} changes`;
  };
  const say = (text) => {
    clearTimeout(quiet);
    said = text;
    quiet = setTimeout(() => { said = ""; tell(); }, 8000);
    tell();
  };
  const replace = (selector, fresh) => {
    const old = $(selector), now = $(selector, fresh);
    if (old && now) old.replaceWith(now);
  };
  button.addEventListener("click", async () => {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok) { location.reload(); return; }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    replace("main", fresh);
    replace("#freshness", fresh);
    document.title = fresh.title;
    document.body.dataset.sequence = fresh.body.dataset.sequence;
    for (const number of changed) {
      for (const row of $$(`[data-number="${CSS.escape(number)}"]`)) row.classList.add("changed");
    }
    changed.clear();
    everything = false;
    tell();
    ready($("main"));
    tellTimes($("#freshness") ?? undefined);
    $("main").focus({ preventScroll: true });
  });
  const listen = () => {
    const path = document.body.dataset.live;
    if (!path || !window.EventSource) return;
    const address = new URL(path, location.origin);
    address.searchParams.set("since", document.body.dataset.sequence);
    address.searchParams.set("revision", $("#freshness")?.dataset.revision ?? "");
    const source = new EventSource(address);
    source.addEventListener("change", (event) => {
      const { numbers } = JSON.parse(event.data);
      if (numbers === null) everything = true;
      else numbers.forEach((number) => changed.add(number));
      tell();
    });
    source.addEventListener("freshness", (event) => {
      const fresh = new DOMParser().parseFromString(JSON.parse(event.data), "text/html");
      replace("#freshness", fresh);
      tellTimes($("#freshness"));
    });
    window.addEventListener("pagehide", () => source.close());
    window.addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
  };

  // The button that acts: the reader stays where they are, and is told that it was heard.
  const asking = (form) => form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await fetch(form.action, { method: "POST", redirect: "manual" }).catch(() => null);
    if (answer?.type === "opaqueredirect") say("Asked for news; the foot of the page shows how far it is");
    else form.submit(); // the answer is a page that says why not
  });

  // The weekly report: one click to take it along.
  const copying = (root) => {
    for (const copy of $$("button[data-copy]", root)) {
      copy.hidden = false;
      copy.addEventListener("click", async () => {
        const text = $(copy.dataset.copy).innerText;
        await navigator.clipboard.writeText(text);
        copy.textContent = "Copied";
        setTimeout(() => { copy.textContent = "Copy"; }, 2000);
      });
    }
  };

  const ready = (root) => { tellTimes(root); copying(root); };
  document.body.append(news);
  const input = $("#q");
  if (input) suggestions(input);
  $$("form.refresh").forEach(asking);
  ready(document);
  setInterval(tellTimes, 60000);
  listen();
})();
