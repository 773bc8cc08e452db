"""What the registry and the presets name exists and fits."""

from __future__ import annotations

import pytest

from lipkit import config, registry
from lipkit.faces.landmarks import SCHEMES

TABLES = [registry.FAMILIES, registry.CODECS, registry.TRACKERS, registry.ENCODERS]


@pytest.mark.parametrize("path", [path for table in TABLES for path in table.values()])
def test_every_name_resolves(path: str) -> None:
    assert registry.load(path) is not None


@pytest.mark.parametrize("name", config.preset_names())
def test_presets_fit_their_family(name: str) -> None:
    preset = config.load_preset(name)
    family = registry.resolve(registry.FAMILIES, preset.family, "family")
    settings = config.resolve(registry.load(family.config), preset=preset.tables)
    again = config.resolve(type(settings), preset=config.as_tables(settings))
    assert again == settings
    assert preset.summary
    assert preset.licence


@pytest.mark.parametrize("name", registry.FAMILIES)
def test_families_that_sync_have_an_editor(name: str) -> None:
    family = registry.resolve(registry.FAMILIES, name, "family")
    assert (family.editor is not None) == ("sync" in family.verbs)
    if family.editor is not None:
        editor = registry.load(family.editor)
        assert editor.name
        assert editor.scheme in SCHEMES
