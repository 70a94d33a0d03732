// Reads a calendar as Thunderbird does, with ical.js, and tells what it has found. RECOURSE_ORDER is the address.

import ICAL from "ical.js";
import { done, print } from "./common.mjs";

ICAL.design.strict = true;

const response = await fetch(process.env.RECOURSE_ORDER);
const calendar = new ICAL.Component(ICAL.parse(await response.text()));
print({ type: response.headers.get("content-type"), properties: calendar.getAllProperties().map(({ name }) => name) });
for (const component of calendar.getAllSubcomponents()) {
  const event = new ICAL.Event(component);
  print({
    name: component.name,
    uid: event.uid,
    at: event.startDate.toJSDate().toISOString(),
    zone: event.startDate.zone.tzid,
    seconds: event.duration.toSeconds(),
    summary: event.summary,
    sequence: event.sequence,
  });
}
done();
