"""Views of a Plan and of Outcomes: text for people, JSON for programs, Markdown for pull requests."""
