// A few rules that everybody's use of a page depends on; no audit. Each finding is `rule: element`.
() => {
  const found = [];
  const told = (each) => each.outerHTML.replace(/\s+/g, " ").slice(0, 120);
  const report = (rule, each) => found.length < 20 && found.push(each ? `${rule}: ${told(each)}` : rule);
  const all = (selector) => [...document.querySelectorAll(selector)].slice(0, 1000);
  const seen = (each) => !each.checkVisibility || each.checkVisibility();
  const referred = (each) =>
    (each.getAttribute("aria-labelledby") || "").split(/\s+/)
      .map((id) => id && document.getElementById(id)?.textContent.trim()).filter(Boolean).join(" ");
  const named = (each) =>
    (each.getAttribute("aria-label") || "").trim() || referred(each) || (each.getAttribute("title") || "").trim();
  const pictured = (each) => [...each.querySelectorAll("img[alt]")].some((one) => one.alt.trim());
  const titled = (each) => [...each.querySelectorAll("svg title, [aria-label]")].some((one) =>
    (one.textContent || one.getAttribute("aria-label") || "").trim());

  if (!document.documentElement.lang.trim()) report("the document says no language (<html lang>)");
  if (!document.title.trim()) report("the document has no title");
  if (/user-scalable\s*=\s*(no|0)/.test(document.querySelector("meta[name=viewport]")?.content || ""))
    report("the page forbids zooming");
  for (const each of all("img")) if (seen(each) && !each.hasAttribute("alt")) report("a picture has no text (alt)", each);
  for (const each of all("input:not([type=hidden], [type=submit], [type=button], [type=reset], [type=image]), select, textarea"))
    if (seen(each) && !named(each) && ![...(each.labels || [])].some((one) => one.textContent.trim()))
      report("a field has no label", each);
  for (const each of all("button, [role=button], a[href]"))
    if (seen(each) && !each.innerText.trim() && !named(each) && !pictured(each) && !titled(each))
      report("a button or a link has no name", each);
  const ids = new Set();
  for (const each of all("[id]")) {
    if (ids.has(each.id)) report("two elements have the same id", each);
    ids.add(each.id);
  }
  return found;
}
