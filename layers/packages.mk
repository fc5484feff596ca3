# What the Makefiles of layer and functions share. $(INSTALL) installs the packages of $(REQUIREMENTS)
# for `sam build` into $(TARGET); it needs no container and no particular Python: the wheels are chosen
# for PLATFORM (arm64/Makefile and x86_64/Makefile say which) and PYTHON_VERSION, whatever runs here.
# $(CLEAN) ends each build; LAMBDA is where $(ARTIFACTS_DIR) comes to be on Lambda.

# Lambda's. The tests that run what was built on this machine set that of its own Python.
PYTHON_VERSION ?= 3.13

UV := $(shell PATH="$$PATH:$(PROJECT)/.tools/bin:$(PROJECT)/.tools" command -v uv)

# Runs what the build itself needs, of any version from 3.11 on.
PYTHON := $(shell PATH="$(PROJECT)/.tools/bin:$$PATH" command -v python3)

# Bytecode is of one version of Python, so that only this one can write it.
COMPILER := $(shell for p in python$(PYTHON_VERSION) "$(PYTHON)" \
	"$$("$(UV)" python find --no-python-downloads $(PYTHON_VERSION) 2>/dev/null)"; do \
	"$$p" -c 'import sys; sys.exit(sys.argv[1] != "%d.%d" % sys.version_info[:2])' $(PYTHON_VERSION) \
	2>/dev/null && { echo "$$p"; break; }; done)

REQUIREMENTS = requirements.txt

# What both installers are told. The file names everything, so nothing is resolved.
CHOICE = --requirement $(REQUIREMENTS) --require-hashes --no-deps --only-binary :all: \
	--python-version $(PYTHON_VERSION) --target "$(TARGET)"
# pip takes no older glibc than it is told of, so it is told of all that wheels are made for.
PIP_PLATFORMS = $(foreach glibc,2014 _2_17 _2_24 _2_28 _2_31 _2_34,\
	--platform manylinux$(glibc)_$(firstword $(subst -, ,$(PLATFORM))))

ifneq ($(UV),)
INSTALL = "$(UV)" pip install --quiet --no-python-downloads --link-mode copy \
	--python-platform $(PLATFORM) $(CHOICE)
else
INSTALL = python3 -m pip --version >&2 || { echo "The packages are installed by uv or pip, and \
	neither is here. Install uv, or put one of them on PATH." >&2; exit 1; }; \
	python3 -m pip install --quiet --disable-pip-version-check --no-compile \
	--implementation cp $(PIP_PLATFORMS) $(CHOICE)
endif

# What differs from machine to machine and is not used is taken out again, so that the same sources
# give the same files wherever they are built.
define CLEAN
	rm -rf "$(TARGET)/bin" "$(TARGET)/.lock"
	find "$(TARGET)" -name __pycache__ -prune -exec rm -rf {} +
	find "$(TARGET)" -path "*.dist-info/*" \( -name RECORD -o -name INSTALLER -o -name REQUESTED \
		-o -name direct_url.json -o -name uv_cache.json \) -exec rm -f {} +
	$(COMPILE)
	find "$(TARGET)" -exec touch -t 198001010000 {} +
endef

# Lambda's folder of layers can't be written, so that what is not compiled here is compiled anew in
# each process that starts. The bytecode is used without a look at its source (unchecked), which never
# changes; it names its source by where that is on Lambda.
ifneq ($(COMPILER),)
COMPILE = "$(COMPILER)" -IS -m compileall -q -j 0 --invalidation-mode unchecked-hash \
	-s "$(ARTIFACTS_DIR)" -p "$(LAMBDA)" "$(TARGET)"
else
COMPILE = @echo "There is no python$(PYTHON_VERSION) here to compile the layer for Lambda: each cold \
	start will take twice as long. With one on PATH, or known to uv, the build does it." >&2
endif
