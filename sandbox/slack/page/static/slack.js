// The page's whole script: sends what a person does to /_sandbox/ and shows anew what changed.
"use strict";

const body = document.body;
const me = body.dataset.user;
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

async function send(path, data, quiet = false) {
  const answer = await fetch(`/_sandbox/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ user: me, ...data }),
  });
  const result = await answer.json();
  const problem = answer.ok ? result && result.error : result.detail || result.error;
  if (problem && !(quiet && answer.ok)) toast(problem === "operation_timeout" ? "The app did not answer in time (operation_timeout)." : `That did not work: ${problem}`);
  return answer.ok ? result : null;
}

function toast(text) {
  const box = document.createElement("div");
  box.className = "toast";
  box.textContent = text;
  $("#toasts").append(box);
  setTimeout(() => box.remove(), 6000);
}

// ---- showing anew ----

async function fragment(path) {
  const answer = await fetch(`/fragments/${me}/${path}`);
  const holder = document.createElement("template");
  holder.innerHTML = answer.ok ? await answer.text() : "";
  return holder.content;
}

const shownSource = new WeakMap();

// Only what differs is replaced, so that an open menu or a chosen option elsewhere stays.
function mergeKeyed(container, content) {
  const old = new Map($$(":scope > [data-key]", container).map((one) => [one.dataset.key, one]));
  let place = null;
  for (const fresh of [...content.children]) {
    const source = fresh.outerHTML;
    const known = old.get(fresh.dataset.key);
    let node = known;
    if (!known || (shownSource.get(known) || known.outerHTML) !== source) {
      node = fresh;
      if (known) known.replaceWith(node);
      shownSource.set(node, source);
    }
    old.delete(fresh.dataset.key);
    const wanted = place ? place.nextElementSibling : container.firstElementChild;
    if (wanted !== node) place ? place.after(node) : container.prepend(node);
    place = node;
  }
  for (const gone of old.values()) gone.remove();
}

async function showMessages(container, thread) {
  if (!container) return;
  const atEnd = container.scrollHeight - container.scrollTop - container.clientHeight < 80;
  const query = thread ? `?thread=${encodeURIComponent(thread)}` : "";
  mergeKeyed(container, await fragment(`messages/${body.dataset.channel}${query}`));
  fillDates(container);
  if (atEnd) container.scrollTop = container.scrollHeight;
}

async function showSidebar() {
  const unread = new Set($$(".sidebar a.unread").map((one) => one.dataset.channel));
  const open = $(".switcher")?.open;
  const current = body.dataset.tab === "home" ? "home" : body.dataset.channel;
  $("#sidebar-content").replaceChildren(await fragment(`sidebar?current=${current}`));
  $(".switcher").open = open;
  for (const link of $$(".sidebar a[data-channel]")) link.classList.toggle("unread", unread.has(link.dataset.channel));
}

async function showViews() {
  if (body.dataset.tab === "home") await showView($("#home"), "home");
  await showView($("#modal"), "modal");
}

// What was typed stays when a view is updated under the same ids, as in Slack.
async function showView(host, what) {
  const before = $("[data-view]", host)?.dataset.view;
  const typed = gather(host);
  host.replaceChildren(await fragment(what));
  fillDates(host);
  const view = $("[data-view]", host);
  if (!view) return;
  if (view.dataset.view === before) restore(host, typed);
  else if (what === "modal") ($("[autofocus], .modal-body .field, [type=submit]", host) || view).focus();
}

const pending = new Map();
function soon(name, work) {
  if (pending.has(name)) return;
  pending.set(name, setTimeout(async () => {
    pending.delete(name);
    try { await work(); } catch { /* the stream reconnects and tells again */ }
  }, 40));
}

function everything() {
  soon("messages", () => showMessages($("#messages")));
  soon("thread", () => showMessages($("#thread"), body.dataset.thread));
  soon("views", showViews);
  soon("sidebar", showSidebar);
}

function listen() {
  const stream = new EventSource(`/events/${me}`);
  stream.onopen = everything; // whatever happened before the stream was open was not told
  stream.onmessage = (event) => {
    const change = JSON.parse(event.data);
    if (change.scope === "channel" && change.channel === body.dataset.channel) {
      soon("messages", () => showMessages($("#messages")));
      soon("thread", () => showMessages($("#thread"), body.dataset.thread));
    } else if (change.scope === "channel") {
      $(`.sidebar a[data-channel="${CSS.escape(change.channel)}"]`)?.classList.add("unread");
    } else if (change.scope === "views") soon("views", showViews);
    else if (change.scope === "draft") soon("draft", showDraft);
    else soon("sidebar", showSidebar);
  };
}

// ---- what fields hold ----

function read(field) {
  const kind = field.dataset.kind;
  if (kind === "checkboxes" || kind.startsWith("multi_") && kind !== "multi_external_select")
    return $$("input:checked", field).map((one) => one.value);
  if (kind === "radio_buttons") return $("input:checked", field)?.value ?? null;
  if (kind.endsWith("external_select")) {
    const chosen = field.dataset.chosen ? JSON.parse(field.dataset.chosen) : null;
    return kind === "multi_external_select" ? (chosen ? [chosen] : []) : chosen;
  }
  if (kind === "datetimepicker") return field.value ? Math.floor(new Date(field.value).getTime() / 1000) : null;
  return "value" in field && field.tagName !== "BUTTON" ? field.value : null;
}

function isField(one) {
  return !["button", "overflow", "workflow_button"].includes(one.dataset.kind);
}

function gather(root) {
  const values = {};
  for (const field of $$("[data-action-id]", root).filter(isField))
    (values[field.dataset.blockId] ??= {})[field.dataset.actionId] = read(field);
  return values;
}

function restore(root, values) {
  for (const field of $$("input[data-action-id], textarea[data-action-id], select[data-action-id]", root)) {
    const value = values[field.dataset.blockId]?.[field.dataset.actionId];
    if (typeof value === "string" && field.type !== "datetime-local") field.value = value;
  }
}

function fillDates(root) {
  for (const field of $$("[data-epoch]", root)) {
    if (!field.dataset.epoch) continue;
    const moment = new Date(field.dataset.epoch * 1000);
    field.value = new Date(moment.getTime() - moment.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
  }
}

// ---- clicking ----

function placeOf(element) {
  const view = element.closest("[data-view]");
  if (view) return { root: view, where: { view_id: view.dataset.view } };
  const message = element.closest("[data-ts]");
  return { root: message, where: { channel: body.dataset.channel, message_ts: message.dataset.ts } };
}

async function act(element, value) {
  if (element.dataset.confirm && !(await confirmed(JSON.parse(element.dataset.confirm)))) return;
  const { root, where } = placeOf(element);
  element.classList.add("busy");
  await send("click", { ...where, action_id: element.dataset.actionId, block_id: element.dataset.blockId, value, values: gather(root) });
  element.classList.remove("busy");
}

function confirmed(texts) {
  const dialog = $("#confirm");
  const [no, yes] = $$("button", dialog);
  $("h2", dialog).textContent = texts.title.text;
  $("p", dialog).textContent = texts.text.text;
  no.textContent = texts.deny.text;
  yes.textContent = texts.confirm.text;
  yes.classList.toggle("danger", texts.style === "danger");
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
}

const insideInput = (field) => field.closest("[data-input]") && !field.closest("[data-dispatch]");

document.addEventListener("click", async (event) => {
  const target = event.target;
  for (const menu of $$("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
  if (body.classList.contains("side-open") && !target.closest(".sidebar, .burger")) body.classList.remove("side-open");
  if (target.closest(".burger")) return body.classList.toggle("side-open");
  const pressed = target.closest("button[data-action-id], a[data-action-id]");
  if (pressed) {
    pressed.closest("details.menu")?.removeAttribute("open");
    if (pressed.dataset.href) window.open(pressed.dataset.href, "_blank", "noopener");
    return act(pressed, pressed.dataset.value || null);
  }
  const shortcut = target.closest("[data-shortcut]");
  if (shortcut) {
    shortcut.closest("details").open = false;
    return send("message_shortcut", { ...placeOf(shortcut).where, callback_id: shortcut.dataset.shortcut });
  }
  const everywhere = target.closest("[data-global-shortcut]");
  if (everywhere) {
    everywhere.closest("details").open = false;
    return send("shortcut", { callback_id: everywhere.dataset.globalShortcut });
  }
  if (target.closest("[data-close]")) return closeModal();
});

document.addEventListener("change", (event) => {
  const field = event.target.closest("[data-action-id]");
  if (!field || !isField(field) || field.dataset.kind.endsWith("external_select") || insideInput(field)) return;
  if (field.matches(".multi")) $(".count", field).textContent = $$("input:checked", field).length || "";
  if (!field.dataset.kind.endsWith("_input")) act(field, read(field));
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && $(".modal") && !$("dialog[open]")) closeModal();
  const field = event.target.closest("[data-dispatch] input[data-kind$=_input]");
  if (field && event.key === "Enter") { event.preventDefault(); act(field, field.value); }
});

// menus whose options the app gives
const typing = new WeakMap();
document.addEventListener("input", (event) => {
  const box = event.target.closest(".external");
  if (!box) return;
  box.dataset.chosen = "";
  clearTimeout(typing.get(box));
  typing.set(box, setTimeout(() => suggest(box, event.target.value), 200));
});

async function suggest(box, query) {
  const found = await send("suggest", { ...placeOf(box).where, action_id: box.dataset.actionId, block_id: box.dataset.blockId, query });
  const answer = found?.response || {};
  const options = [...(answer.options || []), ...(answer.option_groups || []).flatMap((one) => one.options)];
  const list = $(".menu-items", box);
  list.replaceChildren(...options.map((option) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("role", "option");
    button.textContent = option.text.text;
    button.addEventListener("click", () => {
      box.dataset.chosen = JSON.stringify(option);
      $("input", box).value = option.text.text;
      list.hidden = true;
      if (!insideInput(box)) act(box, option);
    });
    return button;
  }));
  list.hidden = !options.length;
}

// ---- modals ----

function closeModal() {
  return send("view_close", { view_id: $(".modal").dataset.view });
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.matches(".modal")) {
    event.preventDefault();
    form.classList.add("busy");
    const result = await send("view_submit", { view_id: form.dataset.view, values: gather(form) });
    form.classList.remove("busy");
    showErrors(form, result?.errors || {});
  } else if (form.matches(".composer")) {
    event.preventDefault();
    submitComposer(form);
  }
});

function showErrors(form, errors) {
  $(".general", form).textContent = errors[""] || "";
  for (const input of $$("[data-input]", form)) {
    const error = errors[input.dataset.input] || "";
    input.classList.toggle("wrong", Boolean(error));
    $(".error", input).textContent = error;
  }
  $(".wrong .field", form)?.focus();
}

// ---- composer ----

const commands = JSON.parse(body.dataset.commands || "[]");
const people = JSON.parse(body.dataset.people || "[]");
const history = [];

async function submitComposer(form) {
  const box = $("textarea", form);
  const text = box.value.trim();
  if (!text) return;
  history.push(text);
  box.value = "";
  grow(box);
  clearDraft();
  const thread = form.dataset.threadTs;
  const where = { channel: body.dataset.channel };
  if (!text.startsWith("/")) return send("message", { ...where, text, thread_ts: thread || null });
  const [command, ...rest] = text.split(/ (.*)/s);
  if (thread) return toast(`${command} is not supported in threads. Sorry!`);
  form.classList.add("busy");
  await send("command", { ...where, command, text: rest[0] || "" }, true); // Slackbot tells of errors
  form.classList.remove("busy");
}

function grow(box) {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

function offers(form, text) {
  if (text.startsWith("/") && !text.includes(" ") && !form.dataset.threadTs)
    return commands.filter((one) => one.command.startsWith(text))
      .map((one) => ({ name: one.command, hint: ` ${one.hint}`, about: one.description, text: `${one.command} ` }));
  const mention = /(?:^|\s)@([^\s@]*)$/.exec(text);
  if (!mention) return [];
  const start = text.slice(0, text.length - mention[1].length - 1);
  const wanted = mention[1].toLowerCase();
  return people.filter((one) => one.name.toLowerCase().startsWith(wanted) || one.real_name.toLowerCase().includes(wanted))
    .map((one) => ({ name: `@${one.name}`, hint: "", about: one.real_name, text: `${start}@${one.name} ` }));
}

function complete(form) {
  const list = $(".completions", form);
  const fitting = offers(form, $("textarea", form).value);
  list.replaceChildren(...fitting.map((one) => {
    const button = document.createElement("button");
    button.type = "button";
    const name = document.createElement("b");
    name.textContent = one.name;
    const about = document.createElement("small");
    about.textContent = one.about;
    button.append(name, one.hint, about);
    button.addEventListener("click", () => {
      const box = $("textarea", form);
      box.value = one.text;
      list.hidden = true;
      box.focus();
    });
    return button;
  }));
  list.hidden = !fitting.length;
}

for (const form of $$(".composer")) {
  const box = $("textarea", form);
  box.addEventListener("input", () => { grow(box); complete(form); });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      $(".completions", form).hidden = true;
      form.requestSubmit();
    } else if (event.key === "Tab" && !$(".completions", form).hidden) {
      event.preventDefault();
      $(".completions button", form).click();
    } else if (event.key === "ArrowUp" && !box.value && history.length) {
      event.preventDefault();
      box.value = history.at(-1);
    } else if (event.key === "Escape") $(".completions", form).hidden = true;
  });
  box.addEventListener("paste", async (event) => {
    const text = event.clipboardData.getData("text");
    if (!/https?:\/\//.test(text)) return;
    const pasted = await send("paste", { text });
    if (pasted?.unfurl_id) form.dataset.unfurlId = pasted.unfurl_id;
  });
}

async function showDraft() {
  const form = $(".composer[data-unfurl-id]");
  if (!form) return;
  const box = $(".draft", form);
  box.replaceChildren(await fragment(`draft?unfurl_id=${encodeURIComponent(form.dataset.unfurlId)}`));
  box.hidden = !box.children.length;
}

function clearDraft() {
  for (const form of $$(".composer[data-unfurl-id]")) delete form.dataset.unfurlId;
  for (const box of $$(".draft")) { box.replaceChildren(); box.hidden = true; }
}

for (const list of $$("#messages, #thread")) {
  fillDates(list);
  if (!location.hash) list.scrollTop = list.scrollHeight;
}
fillDates(document);
if (matchMedia("(hover: hover)").matches) $("main .composer textarea")?.focus();
listen();
